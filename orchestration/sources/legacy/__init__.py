"""The crime system before CONNECT: crimes and their persons."""
