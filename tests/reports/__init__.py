"""Public reports of people who do this job with other tools: what they met, tried here, with variations of our own."""
