"""综合管理: message monitor, dead letters, match reviews, sites, unmapped codes, operation figures."""
