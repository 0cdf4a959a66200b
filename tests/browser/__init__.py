"""The console in a real browser, on a real instance: what people walk through, what screen readers need, what is hostile."""
