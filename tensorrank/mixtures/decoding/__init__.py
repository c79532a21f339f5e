"""What was hidden or missing, given what was observed: most probable states and completions."""
