"""How far a frame of persons protects them: classes of equals, and the risk that one of them is found."""
