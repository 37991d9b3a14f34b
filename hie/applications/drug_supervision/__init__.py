"""药品配备使用监管: essential medicines and the use of antibacterials."""
