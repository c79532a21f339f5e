"""The names that other libraries have for what mixtures offer: whoever asks by them is told ours."""

from __future__ import annotations

_PATH = "viterbi(data).states, the most probable path, as of hmmlearn's predict"
_EACH = "hidden_posteriors(data), the probabilities of each hidden variable's states"
# What is here what goes by the name of a key in hmmlearn, scikit-learn, pomegranate, pgmpy or SPFlow.
OURS = {
    "predict": f"{_PATH}, or {_EACH}, whose argmax is scikit-learn's and pomegranate's",
    "predict_proba": _EACH,
    "predict_log_proba": f"{_EACH}: take their logarithms",
    "decode": "viterbi(data), which has the most probable path and its log-probability",
    "map_query": "most_probable_explanation(data), of rows whose missing values are -1",
    "mpe": "most_probable_explanation(data), of rows whose missing values are -1",
    "query": "posteriors(data), of rows whose missing values are -1, and marginal(sites)",
    "log_probability": "log_density(data)",
    "log_likelihood": "log_density(data)",
    "startprob_": "initial",
    "transmat_": "transition",
    "emissionprob_": "emission",
    "weights_": "weights, of a latent class model",
    "means_": "densities.means",
    "covars_": "densities.covariances",
    "covariances_": "densities.covariances",
    "n_components": "states, or classes of a latent class model",
    "n_features": "densities.features, and sites for the number of variables",
    "converged_": "fit_report(data).converged",
}
