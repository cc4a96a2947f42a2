"""The synthetic Sun: where its features lie, how bright they are in a channel at a moment."""
