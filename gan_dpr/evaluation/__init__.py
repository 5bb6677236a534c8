"""What SceneEval is made of: reading pictures, scoring scenes, diversity, KID and retrieval."""
