"""Training makes the candidates that gates judge: recipes, data, masking, train, export.

Importing this package loads no tensor library; :mod:`evalsuite.training.train` does.
"""

from evalsuite.training.recipe import Recipe
from evalsuite.training.recipefile import RecipeInfo, list_recipes, load_recipe, override

__all__ = ["Recipe", "RecipeInfo", "list_recipes", "load_recipe", "override"]
