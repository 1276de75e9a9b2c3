"""One release over another: plans, evidence, verdicts, and the engine that changes the cluster by them."""
