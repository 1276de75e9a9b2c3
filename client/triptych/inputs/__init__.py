"""What callers call an image -> encoded bytes: files, arrays, `data:` and fetched URLs, photographs made smaller."""
