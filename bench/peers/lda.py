"""One stochastic step of latent Dirichlet allocation: scikit-learn and gensim.

Documents as bench/lda.cpp makes them: `length` different words each, of about three topics, whose
words follow Zipf's law. The inner tolerance is 1e-3 on the mean change of gamma for all, at most
100 updates. As topics form, a document takes fewer of these: all take eight steps before the clock
runs.
"""

import time

from common import run_script

WARM_UP = 8  # steps, as bench/lda.cpp takes


def corpus(args):
    import numpy as np

    rng = np.random.default_rng(1)
    law = 1 / (np.arange(args.words) + 10.0)
    law = np.cumsum(law / law.sum())
    documents = []
    for _ in range(args.documents):
        topics = rng.integers(0, args.topics, 3)
        counts = {}
        while len(counts) < args.length:
            topic = topics[rng.choice(3, p=[0.5, 0.25, 0.25])]
            rank = int(np.searchsorted(law, rng.random()))
            w = (rank * 7919 + int(topic) * 104729) % args.words
            counts[w] = counts.get(w, 0) + 1
        documents.append(sorted(counts.items()))
    return documents


def sklearn_online(args):
    import numpy as np
    import scipy.sparse as sp
    from sklearn.decomposition import LatentDirichletAllocation

    documents = corpus(args)
    begins = np.cumsum([0] + [len(d) for d in documents])
    x = sp.csr_matrix(([float(n) for d in documents for _, n in d],
                       [w for d in documents for w, _ in d], begins),
                      shape=(len(documents), args.words))
    model = LatentDirichletAllocation(args.topics, doc_topic_prior=0.1, topic_word_prior=0.05,
                                      learning_method="online", learning_offset=64,
                                      learning_decay=0.7, batch_size=args.batch,
                                      total_samples=len(documents), mean_change_tol=1e-3,
                                      max_doc_update_iter=100, n_jobs=1, random_state=1)
    for step in range(WARM_UP):
        model.partial_fit(x[step * args.batch:(step + 1) * args.batch])
    at = [WARM_UP * args.batch]

    def block():
        times = []
        for _ in range(args.steps):
            start = at[0] % (len(documents) - args.batch + 1)
            at[0] += args.batch
            begin = time.perf_counter()
            model.partial_fit(x[start:start + args.batch])
            times.append((time.perf_counter() - begin) * 1e3)
        return {"times": times}

    return block


def gensim_online(args):
    import numpy as np
    from gensim.models import LdaModel

    documents = corpus(args)
    words = {i: str(i) for i in range(args.words)}
    model = LdaModel(documents[:WARM_UP * args.batch], args.topics, words, chunksize=args.batch,
                     passes=1, alpha=[0.1] * args.topics, eta=0.05, decay=0.7, offset=64,
                     iterations=100, gamma_threshold=1e-3, eval_every=None, dtype=np.float64,
                     random_state=1)
    at = [WARM_UP * args.batch]

    def block():
        times = []
        for _ in range(args.steps):
            start = at[0] % (len(documents) - args.batch + 1)
            at[0] += args.batch
            begin = time.perf_counter()
            model.update(documents[start:start + args.batch], chunksize=args.batch)
            times.append((time.perf_counter() - begin) * 1e3)
        return {"times": times}

    return block


PEERS = {"sklearn": sklearn_online, "gensim": gensim_online}


def arguments(parser):
    parser.add_argument("--documents", type=int, default=16384)
    parser.add_argument("--words", type=int, default=8000)
    parser.add_argument("--topics", type=int, default=100)
    parser.add_argument("--length", type=int, default=90)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=8)


if __name__ == "__main__":
    run_script("lda", PEERS, arguments,
               lambda a: f"V = {a.words}, K = {a.topics}, batch {a.batch} of {a.length} words")
