"""Mappings between classifications."""
