"""CONNECT: investigations, changes of their classification, persons involved."""
