"""FastAPI under uvicorn: one process a core, each classifying on its event loop.

Classification waits for nothing, so it needs no other thread: faster here than a pool, of one thread or of many.
"""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from loadtests.release_pipeline import ReleasePipeline

app = FastAPI()
_pipeline = ReleasePipeline.from_environment()


@app.post("/classify")
async def classify(request: Request) -> JSONResponse:
    """The best classes of the image that the body is."""
    return JSONResponse(_pipeline.classify_as_json(await request.body()))
