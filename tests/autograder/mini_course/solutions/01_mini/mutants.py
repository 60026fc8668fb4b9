from autograder import Mutant

MUTANTS = (
    Mutant("row_means", "averages over the rows", "t.mean(1)", "t.mean(0)"),
    Mutant("row_means", "adds without dividing", "t.mean(1)", "t.sum(1)"),
    Mutant("row_means", "changes its input", "t.mean(1)", "t.sub_(1).mean(1) + 1"),
    Mutant("slope", "forgets the factor", "2 * x", "x"),
    Mutant("slope", "takes the absolute value", "2 * x", "2 * x.abs()"),
    Mutant("slope", "gives the square", "2 * x", "x * x"),
    Mutant("Scale", "adds the factor", "x * self.factor", "x + self.factor"),
    Mutant("Scale", "divides by the factor", "x * self.factor", "x / self.factor"),
    Mutant("Scale", "truncates the factor", "x * self.factor", "x * int(self.factor)"),
)
