"""One file a page: what it lays out and what it listens to. Whatever can be tested without a browser lives elsewhere."""
