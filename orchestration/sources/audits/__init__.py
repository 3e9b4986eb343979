"""The force's audits of recording and investigation."""
