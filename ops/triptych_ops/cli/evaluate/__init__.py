"""`triptych evaluate`: how good is a run, by itself and served?"""
