"""The agents' screen: the queue, one contact, and what can be done in it. Addresses are given in cases.admin."""
