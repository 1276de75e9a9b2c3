"""What people would write instead of Triton: `POST /classify` with an image as the body, the best classes as JSON.

Each holds the release's own pipeline, one thread a worker, a worker a core, as its documentation advises.
"""
