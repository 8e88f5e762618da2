"""What many clocks add up to: attainment, objectives, credits, comparisons, suggestions, chances, alarms.

Everything here reads clocks and evaluates none: a figure follows from facts, and a fact from one record's evaluation.
"""
