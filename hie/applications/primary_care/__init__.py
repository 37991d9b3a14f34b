"""基层卫生机构管理: chronic disease follow-up of the primary care centres."""
