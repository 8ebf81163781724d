"""The API's view of verification: JSON in and out, one endpoint a step of a contact. Judges nothing itself."""
