"""A bare FastAPI app: one model, one route. What a cold start is measured against."""

from fastapi import FastAPI
from pydantic import BaseModel


class Told(BaseModel):
    """Something to parse."""

    age_years: int


class Answer(BaseModel):
    """Something to answer."""

    score: int


app = FastAPI()


@app.post("/v1/scores")
async def score(told: Told) -> Answer:
    """The least that could be called a score."""
    return Answer(score=told.age_years)
