"""How days and times are written where Django writes them itself: without commas, a.m. or p.m."""
