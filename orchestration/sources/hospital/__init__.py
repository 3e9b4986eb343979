"""Hospital records as a force receives them: admitted episodes, emergency attendances."""
