from kiwisolver import Solver, UnsatisfiableConstraint, Variable


def work():
    left, mid, right = Variable("left"), Variable("mid"), Variable("right")
    solver = Solver()
    for constraint in mid == (left + right) / 2, right == left + 10, right <= 100, left >= 0:
        solver.addConstraint(constraint)
    solver.addEditVariable(mid, "strong")
    solver.suggestValue(mid, 40)
    solver.updateVariables()
    assert (left.value(), mid.value(), right.value()) == (35, 40, 45)
    try:
        solver.addConstraint((left >= 200) | "required")
    except UnsatisfiableConstraint:
        pass
    else:
        raise AssertionError("what can't be was taken")
