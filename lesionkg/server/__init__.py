"""The server: one graph held open for many users, over HTTP and in the browser."""
