"""区域医疗: two-way referral between the institutions of the region."""
