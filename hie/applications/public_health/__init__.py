"""公共卫生: reports of notifiable diseases, drafted from what is diagnosed and found."""
