"""What is done about failure: the course of a call, and the decisions on its way. No I/O but looking up names."""
