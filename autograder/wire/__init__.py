"""Values ↔ bytes, and frames of bytes on a stream: all that crosses between grader and submission."""
