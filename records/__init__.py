"""The two stores: resident health records (居民电子健康档案) and electronic medical records (电子病历)."""
