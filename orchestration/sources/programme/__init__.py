"""The violence reduction programme's own monthly figures."""
