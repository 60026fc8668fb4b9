def nodes(start):
    """Node after node along the first next functions."""
    node = start
    while node is not None:
        yield node
        node = node.next_functions[0][0] if node.next_functions else None
