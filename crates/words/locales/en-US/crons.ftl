# Crons.
