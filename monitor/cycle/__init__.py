"""
One cycle: observe → what changed → rules → decide → commit state and intents in one transaction.

A cycle is for one project and one kind of poll, and it alone knows this order.
"""
