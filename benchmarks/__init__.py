"""Speed, measured as ratios against peers and limits in one run. Nothing here is asserted by a test."""
