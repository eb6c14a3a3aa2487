"""Who may do what: policies compiled when they are written, evaluated when a call is made."""
