"""Questions, requests and answers, one or many; what drives them by threads and by an event loop."""
