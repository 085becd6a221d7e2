"""What the dbt project says of a model stands beside the model, so that whoever changes one finds the other."""

from inventra_pipelines.resources.dbt_descriptions import model_descriptions
from inventra_pipelines.settings import PROJECT_FOLDER

MODELS = PROJECT_FOLDER / "dbt_project" / "models"


def test_every_model_is_described_in_its_own_folder():
    folders = {file.stem: file.parent.relative_to(MODELS).as_posix() for file in MODELS.rglob("*.sql")}
    assert {name: model.folder for name, model in model_descriptions().items()} == folders
