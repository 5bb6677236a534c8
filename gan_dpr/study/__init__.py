"""Questions that trainings answer: equal CPU time, several seeds, and what they show of each other."""
