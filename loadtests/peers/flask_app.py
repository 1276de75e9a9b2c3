"""Flask under Gunicorn: one process a core with one thread, of the kind that keeps connections alive."""

from flask import Flask, Response, jsonify, request

from loadtests.release_pipeline import ReleasePipeline

app = Flask(__name__)
_pipeline = ReleasePipeline.from_environment()


@app.post("/classify")
def classify() -> Response:
    """The best classes of the image that the body is."""
    return jsonify(_pipeline.classify_as_json(request.get_data(cache=False)))
