from genai_iac import policy as policy
from genai_iac.api import Address as Address
from genai_iac.api import DriftReport as DriftReport
from genai_iac.api import GuardError as GuardError
from genai_iac.api import IacError as IacError
from genai_iac.api import Manifest as Manifest
from genai_iac.api import ManifestError as ManifestError
from genai_iac.api import Options as Options
from genai_iac.api import Outcome as Outcome
from genai_iac.api import Plan as Plan
from genai_iac.api import PlannedChanges as PlannedChanges
from genai_iac.api import Problem as Problem
from genai_iac.api import StalePlanError as StalePlanError
from genai_iac.api import apply as apply
from genai_iac.api import drift as drift
from genai_iac.api import export as export
from genai_iac.api import load as load
from genai_iac.api import plan as plan
from genai_iac.api import validate as validate

__version__: str
