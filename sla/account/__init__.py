"""Why one clock stands where it stands: its intervals, whose time they were, who lost, what each event did.

Everything here reads an evaluation and adds no second opinion: the parts shown add up to the clock's own figures.
"""
