"""`tracewire call`, `echo` and `top`: what speaks to live peers, or is one."""
