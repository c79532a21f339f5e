"""The names of `tensorrank` and where each stands: `lazy_loader` and type checkers read them here."""

from . import experiments as experiments, figures as figures, guidelines as guidelines, tasks as tasks, units as units
from .arithmetic.elimination.rank import rank_mod_p as rank_mod_p
from .arithmetic.rational_rank import rational_rank as rational_rank
from .arithmetic.spectrum import numerical_rank as numerical_rank
from .atlas.atlas import Atlas as Atlas
from .attention import bounds as bounds
from .attention.architecture import SelfAttention as SelfAttention
from .attention.higher_order import HigherOrderAttention as HigherOrderAttention
from .attention.softmax import SoftmaxAttention as SoftmaxAttention
from .attention.trained.adapters import from_safetensors as from_safetensors, from_torch as from_torch
from .circuits.convolutional import ConvolutionalCircuit as ConvolutionalCircuit
from .circuits.gated_recurrence import GatedRecurrence as GatedRecurrence
from .circuits.graph_network import GraphNetwork as GraphNetwork
from .circuits.recurrent import RecurrentCircuit as RecurrentCircuit
from .errors import TensorRankError as TensorRankError
from .findings import study as study
from .given_files.matrices import read_matrix as read_matrix
from .mixtures.approximation.approximate import approximate as approximate
from .mixtures.evaluation.sequences import samples as samples
from .mixtures.evaluation.sequences import sequences as sequences
from .mixtures.formats.adapters import from_hmmlearn as from_hmmlearn, from_tensorly as from_tensorly
from .mixtures.formats.bayesian_networks import from_bif as from_bif, from_pgmpy as from_pgmpy
from .mixtures.formats.cirkit_circuits import from_cirkit as from_cirkit, to_cirkit as to_cirkit
from .mixtures.formats.files import load as load, save as save
from .mixtures.formats.region_graphs import RegionGraph as RegionGraph
from .mixtures.gaussian import Gaussians as Gaussians
from .mixtures.hidden_markov import HiddenMarkov as HiddenMarkov
from .mixtures.hierarchical import Hierarchical as Hierarchical
from .mixtures.latent_class import LatentClass as LatentClass
from .mixtures.latent_tree import LatentTree as LatentTree
from .mixtures.reductions.equality import check_reduction as check_reduction
from .mixtures.reductions.obstruction import Obstruction as Obstruction
from .mixtures.reductions.reduce import reduce as reduce
from .mixtures.squared.model import SquaredMixture as SquaredMixture
from .mixtures.sum_product.model import SumProduct as SumProduct
from .mixtures.tensorial_mixture import TensorialMixture as TensorialMixture
from .networks.data_tensor import DataTensor as DataTensor
from .networks.network import Tensor as Tensor, TensorNetwork as TensorNetwork
from .networks.quimb_networks import from_quimb as from_quimb, to_quimb as to_quimb
from .separation.numerical import numerical_separation_rank as numerical_separation_rank
from .separation.numerical_model import NumericalModel as NumericalModel
from .separation.partition import Bipartition as Bipartition
from .separation.plan import plan as plan
from .separation.result import SeparationRank as SeparationRank
from .separation.solve import separation_rank as separation_rank
from .studies.store import Store as Store
from .studies.study import Study as Study

__version__: str
