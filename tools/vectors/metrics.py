"""Vectors of kind `metric`: scikit-learn, SciPy and NumPy as the truth, Sewer-ML's two scores from its definition."""

import warnings

import numpy as np
import scipy.spatial
import scipy.stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

from culvert_vectors import generator, normal, save_case, uniform

# Class-importance weights in the order of Sewer-ML's CSV columns (Haurum and Moeslund, CVPR 2021).
CIW = np.array([1.0, 0.5518, 0.2896, 0.1622, 0.6419, 0.1847, 0.3559, 0.3131, 0.0811, 0.2275, 0.2477, 0.0901, 0.4167,
                0.4167, 0.9009, 0.3829, 0.4396])


def best_f1(labels, scores):
    """The highest F1 over all thresholds, each tried by itself."""
    return max(metrics.f1_score(labels, scores >= t, zero_division=0) for t in np.unique(scores))


def f2_ciw(scores, labels, threshold):
    """Sewer-ML's evaluation: an empty prediction counts as one, what is not a number as 0."""
    predicted = scores >= threshold
    correct = (predicted & (labels == 1)).sum(0)
    precision = correct / np.maximum(predicted.sum(0), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = correct / (labels == 1).sum(0)
        f2 = np.nan_to_num(5 * precision * recall / (4 * precision + recall))
    return float((f2 * CIW).sum() / CIW.sum())


def f1_normal(scores, labels, threshold):
    normal_predicted = (scores < threshold).all(1)
    normal_labelled = (labels == 0).all(1)
    return float(metrics.f1_score(normal_labelled, normal_predicted, zero_division=0))


def scored(name, n, prevalence, decimals):
    """Scores of two overlapping classes; few decimals make ties."""
    gen = generator(name)
    labels = (uniform(gen, n) < prevalence).long().numpy()
    labels[0], labels[-1] = 1, 0
    scores = normal(gen, n).numpy() + 0.7 * labels
    return np.round(scores, decimals).astype(np.float32), labels


def binary(folder, n, prevalence, decimals):
    key = f"{n}_p{prevalence}_d{decimals}"
    for name in ("auroc", "average_precision", "f1", "fbeta", "best_f1", "balanced_accuracy"):
        scores, labels = scored(f"metric_{name}_{key}", n, prevalence, decimals)
        # A threshold that some scores equal, where they are rounded.
        threshold, beta = (0.5, 2.0) if n % 2 else (float(np.sort(scores)[n // 2]), 0.5)
        called = scores.astype(np.float64) >= threshold
        params, value = {
            "auroc": lambda: ({}, metrics.roc_auc_score(labels, scores)),
            "average_precision": lambda: ({}, metrics.average_precision_score(labels, scores)),
            "f1": lambda: ({"threshold": threshold}, metrics.f1_score(labels, called, zero_division=0)),
            "fbeta": lambda: ({"threshold": threshold, "beta": beta},
                              metrics.fbeta_score(labels, called, beta=beta, zero_division=0)),
            "best_f1": lambda: ({}, best_f1(labels, scores)),
            "balanced_accuracy": lambda: ({"threshold": threshold}, metrics.balanced_accuracy_score(labels, called)),
        }[name]()
        tensors = {"in/scores": scores, "in/labels": labels, "out/value": float(value)}
        save_case(folder / f"metric_{name}_{key}.safetensors", "metric", name, params, tensors)


def operating_points(folder, n, prevalence, decimals):
    """Steps of scikit-learn's ROC curve, none left out."""
    for name, level in (("recall_at_false_alarms", 0.05), ("recall_at_false_alarms", 0.29),
                        ("false_alarms_at_recall", 0.8), ("false_alarms_at_recall", 1.0)):
        case = f"metric_{name}_{n}_p{prevalence}_d{decimals}_{level}"
        scores, labels = scored(case, n, prevalence, decimals)
        alarms, recall, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
        value = recall[alarms <= level].max() if name.startswith("recall") else alarms[recall >= level].min()
        params = {"rate" if name.startswith("recall") else "recall": level}
        tensors = {"in/scores": scores, "in/labels": labels, "out/value": float(value)}
        save_case(folder / f"{case}.safetensors", "metric", name, params, tensors)


def calibration_error(labels, scores, bins):
    """From scikit-learn's curve and NumPy's counts; its bins have their right edges, as here."""
    shares, means = calibration_curve(labels, scores, n_bins=bins)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], scores), minlength=bins)
    counts = counts[counts > 0]
    return float((counts * np.abs(shares - means)).sum() / len(scores))


def probabilities(folder, n, decimals):
    for name in ("calibration_error", "brier", "log_loss"):
        case = f"metric_{name}_{n}_d{decimals}"
        gen = generator(case)
        scores = np.round(uniform(gen, n).numpy() ** 2, decimals).astype(np.float32)
        labels = (uniform(gen, n).numpy() < 0.8 * scores + 0.1).astype(np.int64)
        # Certain and wrong, certain and right, and an edge of 16 bins.
        labels[:3], scores[:3] = [1, 0, 1], [0, 0, 0.25]
        wide = scores.astype(np.float64)
        bins = 16 if n % 2 else 15
        params, value = {
            "calibration_error": lambda: ({"bins": bins}, calibration_error(labels, wide, bins)),
            "brier": lambda: ({}, metrics.brier_score_loss(labels, wide)),
            "log_loss": lambda: ({}, metrics.log_loss(labels, wide, labels=[0, 1])),
        }[name]()
        tensors = {"in/scores": scores, "in/labels": labels, "out/value": float(value)}
        save_case(folder / f"{case}.safetensors", "metric", name, params, tensors)


def binary_f2_ciw(folder, n):
    case = f"metric_binary_f2_ciw_{n}"
    gen = generator(case)
    labels = (uniform(gen, n, 17) < 0.2).long().numpy()
    # A class that does not occur has no part in it.
    labels[:, 3], labels[0, 0] = 0, 1
    scores = (normal(gen, n).numpy() + 0.6 * labels.sum(1)).astype(np.float32)
    called = scores >= np.float32(0.5)
    there = labels.sum(0) > 0
    recall = np.array([metrics.recall_score(labels[:, c], called) for c in np.flatnonzero(there)])
    value = np.average(5 * recall / (4 + recall), weights=CIW[there])
    tensors = {"in/scores": scores, "in/labels": labels, "out/value": float(value)}
    save_case(folder / f"{case}.safetensors", "metric", "binary_f2_ciw", {"threshold": 0.5}, tensors)


def multi_label(folder, n, shift):
    for name, metric in (("f2_ciw", f2_ciw), ("f1_normal", f1_normal)):
        case = f"metric_{name}_{n}_{shift}"
        gen = generator(case)
        labels = (uniform(gen, n, 17) < 0.09).long()
        # The last class is neither labelled nor, at this shift, predicted: both quotients are 0/0.
        labels[:, 16] = 0
        scores = (normal(gen, n, 17) * 1.2 + 2.5 * labels - shift).sigmoid()
        scores[:, 16] = 0.1
        value = metric(scores.numpy(), labels.numpy(), 0.5)
        tensors = {"in/scores": scores, "in/labels": labels, "out/value": value}
        save_case(folder / f"{case}.safetensors", "metric", name, {"threshold": 0.5}, tensors)


def spectra(folder, n, d):
    for name in ("rankme", "stable_rank", "alpha_req", "nesum", "participation_ratio"):
        case = f"metric_{name}_{n}x{d}"
        gen = generator(case)
        # Columns of falling scale, so that the spectrum is not flat.
        z = (normal(gen, n, d) * uniform(gen, d, low=0.05, high=2.0) + 0.3).numpy()
        wide = z.astype(np.float64)
        sigma = np.linalg.svd(wide, compute_uv=False)
        eigen = np.linalg.eigvalsh(np.atleast_2d(np.cov(wide.T)))[::-1][:min(n - 1, d)]
        p = sigma / sigma.sum() + 1e-7
        params, value = {
            "rankme": lambda: ({"eps": 1e-7}, np.exp(-(p * np.log(p)).sum())),
            "stable_rank": lambda: ({}, (sigma ** 2).sum() / sigma[0] ** 2),
            "alpha_req": lambda: ({}, -np.polyfit(np.log(np.arange(1, len(eigen) + 1)), np.log(eigen), 1)[0]),
            "nesum": lambda: ({}, eigen.sum() / eigen[0]),
            "participation_ratio": lambda: ({}, eigen.sum() ** 2 / (eigen ** 2).sum()),
        }[name]()
        tensors = {"in/embeddings": z, "out/value": float(value)}
        save_case(folder / f"{case}.safetensors", "metric", name, params, tensors)


def unit(z):
    return z / np.linalg.norm(z, axis=-1, keepdims=True)


def power_law(z, weighted):
    """Alpha and R2 of NumPy's polynomial of degree 1, whose weights are square roots."""
    eigen = np.linalg.eigvalsh(np.atleast_2d(np.cov(z.T)))[::-1][:min(len(z) - 1, z.shape[1])]
    rank = np.arange(1, len(eigen) + 1)
    weights = 1 / rank if weighted else np.ones(len(rank))
    line = np.polyfit(np.log(rank), np.log(eigen), 1, w=np.sqrt(weights))
    rest = np.average((np.log(eigen) - np.polyval(line, np.log(rank))) ** 2, weights=weights)
    whole = np.average((np.log(eigen) - np.average(np.log(eigen), weights=weights)) ** 2, weights=weights)
    return -line[0], 1 - rest / whole


def self_cluster(z):
    n, d = z.shape
    even = n + n * (n - 1) / d
    return ((unit(z) @ unit(z).T) ** 2).sum() - even, n ** 2 - even


def coherence(z):
    left, sigma, _ = np.linalg.svd(z, full_matrices=False)
    left = left[:, sigma > 1e-6 * sigma[0]]
    return len(z) / left.shape[1] * (left ** 2).sum(1).max()


def lidar(views, delta=1e-4, eps=1e-8):
    """As in the paper: one covariance an image, and the inverse square root from the eigenvectors."""
    n, q, d = views.shape
    between = np.atleast_2d(np.cov(views.mean(1).T))
    within = sum(np.atleast_2d(np.cov(image.T)) for image in views) / n + delta * np.eye(d)
    values, vectors = np.linalg.eigh(within)
    root = vectors @ np.diag(values ** -0.5) @ vectors.T
    eigen = np.maximum(np.linalg.eigvalsh(root @ between @ root), 0)
    p = eigen / eigen.sum() + eps
    return np.exp(-(p * np.log(p)).sum())


def two_neighbours(z):
    distances, _ = scipy.spatial.cKDTree(z).query(z, k=3)
    return len(z) / np.log(distances[:, 2] / distances[:, 1]).sum()


def cosines(z):
    """Distances on the sphere, with none to itself."""
    distances = scipy.spatial.distance.cdist(unit(z), unit(z))
    np.fill_diagonal(distances, np.inf)
    return distances


def outlyingness(z):
    tail = -(-len(z) * 5 // 100)
    return np.sort(cosines(z), 1)[:, tail - 1]


def outliers(z):
    return set(np.argsort(-outlyingness(z), kind="stable")[:-(-len(z) * 5 // 100)].tolist())


def neighbours(z, k):
    return [set(row[:k].tolist()) for row in np.argsort(cosines(z), 1, kind="stable")]


def above_chance(share, chance):
    return (share - chance) / (1 - chance)


def tail_agreement(a, b):
    return above_chance(len(outliers(a) & outliers(b)) / len(outliers(a)), len(outliers(a)) / len(a))


def outlier_stability(a, b, k=10):
    near_a, near_b = neighbours(a, k), neighbours(b, k)
    kept = [len(near_a[i] & near_b[i]) / k for tail in (outliers(a), outliers(b)) for i in tail]
    return above_chance(np.mean(kept), k / (len(a) - 1))


def tail_clumping(z, most=10):
    tail = outliers(z)
    k = min(most, len(tail) - 1)
    near = neighbours(z, k)
    return above_chance(np.mean([len(near[i] & tail) / k for i in tail]), (len(tail) - 1) / (len(z) - 1))


def tail_gap(z, held=0.9):
    tail = sorted(outliers(z))
    bulk = np.array([i for i in range(len(z)) if i not in tail])
    rows = unit(z)
    fit = rows[bulk[::2]]
    mean = fit.mean(0)
    values, vectors = np.linalg.eigh((fit - mean).T @ (fit - mean))
    values, vectors = values[::-1], vectors[:, ::-1]
    lead = vectors[:, :np.searchsorted(np.cumsum(values), held * values.sum()) + 1]

    def outside(part):
        return 1 - (((part - mean) @ lead) ** 2).sum() / ((part - mean) ** 2).sum()

    return outside(rows[tail]) - outside(rows[bulk[1::2]])


def label_free(folder, n, d, q):
    cases = [("alpha_req", {"weighted": 1}), ("alpha_req_r2", {}), ("alpha_req_r2", {"weighted": 1}),
             ("self_cluster", {}), ("coherence", {}), ("pseudo_condition", {}), ("lidar", {}), ("uniformity", {}),
             ("alignment", {}), ("clid_dimension", {})]
    if n >= 20:
        cases += [(name, {}) for name in ("tail_agreement", "outlyingness_agreement", "outlier_stability", "tail_gap")]
    if n > 20:
        cases.append(("tail_clumping", {}))
    for name, params in cases:
        case = f"metric_{name}_{n}x{d}x{q}" + ("_weighted" if params else "")
        gen = generator(case)
        # Columns of falling scale; a tenth of the rows far from the others; views that differ by less than images do.
        z = normal(gen, n, d) * uniform(gen, d, low=0.05, high=2.0) + 0.3
        z[::10] += 2 * uniform(gen, d)
        views = (z[:, None] + 0.3 * normal(gen, n, q, d)).numpy()
        z = z.numpy()
        wide, first, second = z.astype(np.float64), *views.astype(np.float64).transpose(1, 0, 2)[:2]
        sigma = np.linalg.svd(wide, compute_uv=False)
        every = unit(views.astype(np.float64))
        value = {
            "alpha_req": lambda: power_law(wide, bool(params))[0],
            "alpha_req_r2": lambda: power_law(wide, bool(params))[1],
            "self_cluster": lambda: np.divide(*self_cluster(wide)),
            "coherence": lambda: coherence(wide),
            "pseudo_condition": lambda: sigma[-1] / sigma[0],
            "lidar": lambda: lidar(views.astype(np.float64)),
            "uniformity": lambda: np.log(np.exp(-2 * scipy.spatial.distance.pdist(unit(wide), "sqeuclidean")).mean()),
            "alignment": lambda: np.mean([((every[:, a] - every[:, b]) ** 2).sum(-1).mean()
                                          for a in range(q) for b in range(a)]),
            "clid_dimension": lambda: two_neighbours(wide),
            "tail_agreement": lambda: tail_agreement(first, second),
            "outlyingness_agreement": lambda: scipy.stats.spearmanr(*map(outlyingness, (first, second))).statistic,
            "outlier_stability": lambda: outlier_stability(first, second),
            "tail_clumping": lambda: tail_clumping(wide),
            "tail_gap": lambda: tail_gap(wide),
        }[name]()
        tensors = {"in/embeddings": z, "out/value": float(value)}
        if name in ("lidar", "alignment", "tail_agreement", "outlyingness_agreement", "outlier_stability"):
            tensors["in/views"] = views
        save_case(folder / f"{case}.safetensors", "metric", name, params, tensors)


def correlations(folder, n, decimals):
    for name, metric in (("spearman", scipy.stats.spearmanr), ("kendall", scipy.stats.kendalltau)):
        case = f"metric_{name}_{n}_d{decimals}"
        gen = generator(case)
        x = normal(gen, n).numpy()
        y = np.round(0.4 * x + normal(gen, n).numpy(), decimals).astype(np.float32)
        x = np.round(x, decimals).astype(np.float32)
        tensors = {"in/x": x, "in/y": y, "out/value": float(metric(x, y).statistic)}
        save_case(folder / f"{case}.safetensors", "metric", name, {}, tensors)


def comparisons(folder, n, decimals):
    """Pairs of which some differ by nothing; every one of the 2^n exchanges is tried."""
    case = f"metric_sign_flip_p_{n}_d{decimals}"
    gen = generator(case)
    x = np.round(normal(gen, n).numpy(), decimals).astype(np.float32)
    y = np.round(x - 0.3 + 0.5 * normal(gen, n).numpy(), decimals).astype(np.float32)
    test = scipy.stats.permutation_test((x.astype(np.float64), y.astype(np.float64)),
                                        lambda a, b, axis: (a - b).mean(axis), permutation_type="samples",
                                        n_resamples=np.inf, vectorized=True)
    tensors = {"in/x": x, "in/y": y, "out/value": float(test.pvalue)}
    save_case(folder / f"{case}.safetensors", "metric", "sign_flip_p", {}, tensors)


def adjustments(folder, n, index):
    case = f"metric_holm_{n}_{index}"
    p = (uniform(generator(case), n).numpy() ** 3).astype(np.float32)
    p[n // 2] = p[0]
    wide = p.astype(np.float64)
    # Holm's values by their definition: the most of what p-values up to this one are multiplied to.
    holm = [min(1.0, max((wide >= other).sum() * other for other in wide[wide <= own])) for own in wide]
    for name, values in (("holm", holm), ("benjamini_hochberg", scipy.stats.false_discovery_control(wide))):
        tensors = {"in/p": p, "out/value": float(values[index])}
        save_case(folder / f"{case.replace('holm', name)}.safetensors", "metric", name, {"index": index}, tensors)


def write(folder, small):
    for case in [(2, 0.5, 3), (31, 0.3, 1), (200, 0.05, 6), (501, 0.2, 1)]:
        binary(folder, *case)
    for case in [(2, 0.5, 3), (31, 0.3, 1), (200, 0.05, 6)]:
        operating_points(folder, *case)
    for case in [(4, 1), (31, 1), (500, 6)]:
        probabilities(folder, *case)
    for n in (1, 33, 200):
        binary_f2_ciw(folder, n)
    for case in [(1, 0.0), (33, 1.5), (200, 2.5)]:
        multi_label(folder, *case)
    for case in [(3, 2), (33, 7), (7, 33), (64, 31)]:
        spectra(folder, *case)
    for case in [(7, 4, 2), (40, 5, 3), (23, 31, 2)]:
        label_free(folder, *case)
    for case in [(2, 6), (31, 6), (100, 0)]:
        correlations(folder, *case)
    for case in [(2, 3), (5, 1), (13, 3), (16, 0)]:
        comparisons(folder, *case)
    for case in [(1, 0), (12, 0), (12, 5), (40, 7)]:
        adjustments(folder, *case)
    if not small:
        for case in [(1000, 0.01, 6), (20000, 0.45, 2)]:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                binary(folder, *case)
        multi_label(folder, 5000, 1.5)
        spectra(folder, 1000, 192)
        spectra(folder, 2000, 512)
        label_free(folder, 1000, 192, 3)
        correlations(folder, 1000, 2)
