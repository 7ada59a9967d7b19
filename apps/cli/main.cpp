// The program: words and flags to configurations (apps/cli/flags.h), verbs to jobs
// (apps/cli/commands.h). A mistake of the user is one line on stderr and exit code 2; a fault of
// the program is 1; a fit that was interrupted saves and ends with 130.
#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "apps/cli/commands.h"
#include "apps/cli/flags.h"
#include "apps/cli/suggest.h"
#include "apps/cli/table_commands.h"
#include "apps/cli/topic_commands.h"
#include "fathom/jobs/version.h"

namespace fathom::cli {

namespace {

static_assert(kVersion == FATHOM_VERSION,
              "fathom/jobs/version.h lags behind the project's version");

class Program {
 public:
  Program()
      : app_(
            "Variational inference: fits a model by climbing the evidence lower bound (ELBO)\n"
            "and says how far below the evidence it ended.",
            "fathom") {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "fathom " + std::string(kVersion));
    app_.footer(
        "Example: fathom fit vae data/digits.csv -o runs/digits --latent 2 --scale 16 --binarize "
        "dynamic\n"
        "Each verb has its own --help.");
    add_fit();
    add_evaluate();
    add_sample();
    add_map("encode", "means and standard deviations of q(z | x) for the rows of a file",
            encode_vae, "encoding", "fathom encode RUN digits.csv -o codes.csv");
    add_map("decode", "means of x for the codes in a file", decode_vae, "decoding",
            "fathom decode RUN codes.csv -o pictures.png");
    add_map("reconstruct", "means of x at the posterior mean of each row", reconstruct_vae,
            "reconstructing", "fathom reconstruct RUN digits.csv -o pairs.png");
    add_predict();
    add_impute();
    add_forecast();
    add_query();
    add_posterior();
    add_topics();
    add_compare();
    add_report();
    add_info();
    add_plan();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp& e) {
      return app_.exit(e);
    } catch (const CLI::CallForAllHelp& e) {
      return app_.exit(e);
    } catch (const CLI::CallForVersion& e) {
      return app_.exit(e);
    } catch (const CLI::ParseError& e) {
      std::string what = unknown_name(app_, argc, argv);
      if (what.empty()) what = e.what();
      fmt::print(stderr, "fathom: {}\n", what.substr(0, what.find('\n')));
      return 2;
    }
    return command_();
  }

 private:
  CLI::App* verb(CLI::App& under, const std::string& name, const std::string& what,
                 const std::string& example, bool json = true) {
    CLI::App* v = under.add_subcommand(name, what);
    v->footer("Example: " + example);
    if (json) v->add_flag("--json", json_, "print one JSON object");
    return v;
  }

  void add_fit() {
    CLI::App* fit = app_.add_subcommand("fit", "fit a model to data and leave a run folder");
    fit->require_subcommand(1);
    fit->footer(
        "Example: fathom fit vae digits.csv -o RUN --latent 2 --scale 16 --binarize dynamic");
    CLI::App* v = verb(*fit, "vae", "a variational auto-encoder (Kingma & Welling 2013)",
                       "fathom fit vae train-images-idx3-ubyte.gz -o runs/fashion --latent 20 "
                       "--binarize dynamic --epochs 10");
    v->add_option("DATA", fit_.data,
                  "CSV, NPY, NPZ, IDX (gzipped or not) or a folder of PNG or PGM images")
        ->required();
    v->add_option("-o,--out", fit_.run, "run folder to write")->required();
    add_fields(*v, fit_, &fit_.given);
    v->callback([this] { command_ = [this] { return fit_vae_command(fit_, json_); }; });
    for_table_models([&]<class M>() { add_fit_table<M>(*fit); });
    add_fit_topics(*fit);
  }

  void add_fit_topics(CLI::App& fit) {
    CLI::App* v = verb(fit, std::string(kTopicsTask),
                       "topics of documents: latent Dirichlet allocation (Blei, Ng & Jordan 2003)",
                       "fathom fit lda packages.mtx --vocabulary words.txt --topics 20");
    v->add_option("DOCUMENTS", topics_fit_.data,
                  "counts of words: Matrix Market (documents by words), lines \"M word:count ...\" "
                  "or docword, gzipped or not")
        ->required();
    v->add_option("-o,--out", topics_fit_.run,
                  "run folder to write; else it is named after the file");
    v->add_flag("--quiet", quiet_, "print nothing but errors");
    add_fields(*v, topics_fit_, &topics_fit_.given);
    v->callback(
        [this] { command_ = [this] { return fit_topics_command(topics_fit_, json_, quiet_); }; });
  }

  void add_topics() {
    CLI::App* v = verb(app_, "topics", "the topics of a run and their likeliest words",
                       "fathom topics RUN --words 15");
    v->add_option("RUN", topics_.run, "run folder of an lda")->required();
    add_fields(*v, topics_);
    v->callback([this] { command_ = [this] { return topics_command(topics_, json_); }; });
  }

  // Words of the documents of a topic model.
  void add_vocabulary(CLI::App& v) {
    v.add_option("--vocabulary", vocabulary_,
                 "of an lda: words of DATA, one a line, where they are not in the run's order");
  }

  template <class M>
  void add_fit_table(CLI::App& fit) {
    CLI::App* v =
        verb(fit, std::string(M::kTask), std::string(M::kBrief), std::string(M::kExample));
    const auto model = std::make_shared<M>();
    const auto config = std::make_shared<FitTableConfig>();
    config->model = model;
    v->add_option("TABLE", config->data, "CSV with or without a header, NPY or NPZ")->required();
    v->add_option("-o,--out", config->run, "run folder to write; else it is named after the table");
    v->add_flag("--quiet", quiet_, "print nothing but errors");
    add_fields(*v, model->settings_, &config->given);
    add_fields(*v, *config, &config->given);
    v->callback([this, config] {
      command_ = [this, config] { return fit_table_command(*config, json_, quiet_); };
    });
  }

  void add_evaluate() {
    CLI::App* v =
        verb(app_, "evaluate",
             "ELBO and log p(x) of a file under a run; --samples, --draws and --seed are for a vae",
             "fathom evaluate RUN t10k-images-idx3-ubyte.gz --samples 1000");
    v->add_option("RUN", evaluate_.run, "run folder")->required();
    v->add_option("DATA", evaluate_.data, "rows like those the run was fitted to")->required();
    add_fields(*v, evaluate_);
    add_vocabulary(*v);
    v->callback([this] {
      command_ = [this] {
        if (of_topics(evaluate_.run))
          return evaluate_topics_command(evaluate_.run, evaluate_.data, vocabulary_,
                                         evaluate_.threads, json_);
        return evaluate_command(evaluate_, json_);
      };
    });
  }

  void add_sample() {
    CLI::App* v =
        verb(app_, "sample",
             "rows from the model: decoded from the prior, or from the posterior predictive",
             "fathom sample RUN -o samples.png -n 128");
    v->add_option("RUN", sample_.run, "run folder")->required();
    v->add_option("-o,--out", sample_.out,
                  "file to write: .npy, .csv or .png; without it a table is printed");
    add_fields(*v, sample_);
    v->callback([this] { command_ = [this] { return sample_command(sample_, json_); }; });
  }

  void add_map(const char* name, const char* what, MapVerb job, const char* doing,
               const char* example) {
    CLI::App* v = verb(app_, name, what, example);
    v->add_option("RUN", map_.run, "run folder")->required();
    v->add_option("DATA", map_.data, "file of rows")->required();
    v->add_option("-o,--out", map_.out, "file to write: .npy, .csv or, for pictures, .png")
        ->required();
    add_fields(*v, map_);
    v->callback([this, job, doing] {
      command_ = [this, job, doing] { return map_command(job, doing, map_, json_); };
    });
  }

  void add_predict() {
    CLI::App* v = verb(app_, "predict",
                       "what a model says of each row of a table: its component, scores or "
                       "outcome, and its log density; of each document, its topics",
                       "fathom predict RUN faithful.csv -o components.csv");
    v->add_option("RUN", predict_.run, "run folder")->required();
    v->add_option("TABLE", predict_.data, "rows like those the run was fitted to")->required();
    v->add_option("-o,--out", predict_.out, "file to write: .csv or .npy; else they are printed");
    add_fields(*v, predict_);
    add_vocabulary(*v);
    v->callback([this] {
      command_ = [this] {
        if (of_topics(predict_.run))
          return predict_topics_command(predict_.run, predict_.data, vocabulary_, predict_.out,
                                        predict_.threads, json_);
        return predict_command(predict_, json_);
      };
    });
  }

  void add_impute() {
    CLI::App* v = verb(app_, "impute", "fill the missing cells of a table by their posterior means",
                       "fathom impute RUN holes.csv -o filled.csv --sd");
    v->add_option("RUN", impute_.run, "run folder of a gmm, ppca, fa, bpca, network, hmm or lds")
        ->required();
    v->add_option("TABLE", impute_.data, "rows like those the run was fitted to")->required();
    v->add_option("-o,--out", impute_.out, "file to write: .csv or .npy; else they are printed");
    add_fields(*v, impute_);
    v->callback([this] { command_ = [this] { return impute_command(impute_, json_); }; });
  }

  void add_forecast() {
    CLI::App* v = verb(app_, "forecast", "how the sequences of a table go on, with intervals",
                       "fathom forecast RUN --steps 12 -o ahead.csv");
    v->add_option("RUN", forecast_.run, "run folder of an lds or hmm")->required();
    v->add_option("TABLE", forecast_.data, "rows that go on; else those of the fit");
    v->add_option("-o,--out", forecast_.out, "file to write: .csv or .npy; else they are printed");
    add_fields(*v, forecast_);
    v->callback([this] { command_ = [this] { return forecast_command(forecast_, json_); }; });
  }

  void add_query() {
    CLI::App* v = verb(app_, "query", "probabilities of a Bayesian network by what is known",
                       "fathom query RUN 'P(rain | wet=yes, sprinkler=no)'");
    v->add_option("RUN", path_, "run folder of a network")->required();
    v->add_option("QUERY", query_, "P(variables | variable=state, ...)")->required();
    v->callback([this] { command_ = [this] { return query_command(path_, query_, json_); }; });
  }

  void add_posterior() {
    CLI::App* v = verb(app_, "posterior",
                       "every parameter of a model of tables: mean, standard deviation and the "
                       "interval that holds 95 % of it",
                       "fathom posterior RUN -o parameters.csv");
    v->add_option("RUN", path_, "run folder")->required();
    v->add_option("-o,--out", out_, "file to write: .csv or .json; else it is printed as CSV");
    v->callback([this] { command_ = [this] { return posterior_command(path_, out_, json_); }; });
  }

  void add_compare() {
    CLI::App* v = verb(app_, "compare",
                       "bounds of runs, the highest first, and which of them may be compared",
                       "fathom compare runs/two runs/three runs/four");
    v->add_option("RUN", runs_, "run folders")->required();
    v->callback([this] { command_ = [this] { return compare_command(runs_, json_); }; });
  }

  void add_report() {
    CLI::App* v = verb(app_, "report", "write report.html of a run anew", "fathom report RUN");
    v->add_option("RUN", report_.run, "run folder")->required();
    v->add_option("DATA", report_.data, "the data it was fitted to, if they have moved");
    add_fields(*v, report_);
    v->callback([this] { command_ = [this] { return report_command(report_, json_); }; });
  }

  void add_info() {
    CLI::App* v = verb(app_, "info", "what a run or a data file holds", "fathom info digits.csv");
    v->add_option("PATH", path_, "run folder, data file or folder of images")->required();
    v->callback([this] { command_ = [this] { return info_command(path_, json_); }; });
  }

  void add_plan() {
    CLI::App* v = verb(app_, "plan", "how a training step is run, stage by stage",
                       "fathom plan --width 784 --hidden 500,500 --latent 20", false);
    v->add_option("RUN", plan_.run, "of this run; without it, of the sizes given");
    v->add_flag("--dot", dot_, "the graph of the bound in the DOT language instead");
    add_fields(*v, plan_);
    v->callback([this] { command_ = [this] { return plan_command(plan_, dot_); }; });
  }

  CLI::App app_;
  std::function<int()> command_;
  FitVaeConfig fit_;
  EvaluateVaeConfig evaluate_;
  SampleVaeConfig sample_;
  MapVaeConfig map_;
  ReportVaeConfig report_;
  PlanVaeConfig plan_;
  PredictTableConfig predict_;
  ImputeTableConfig impute_;
  std::vector<std::string> runs_;
  ForecastTableConfig forecast_;
  FitTopicsConfig topics_fit_;
  TopicsConfig topics_;
  std::string path_, out_, query_, vocabulary_;
  bool json_ = false, dot_ = false, quiet_ = false;
};

}  // namespace

}  // namespace fathom::cli

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on files is an error of writing, like a full disk
  try {
    fathom::cli::Program program;
    const int code = program.run(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      fmt::print(stderr, "fathom: standard output cannot be written: {}\n", std::strerror(errno));
      return 2;
    }
    return code;
  } catch (const fathom::Interrupted&) {
    fmt::print(stderr, "fathom: interrupted\n");
    return fathom::cli::kInterrupted;
  } catch (const fathom::Error& e) {
    fmt::print(stderr, "fathom: {}\n", e.what());
    return 2;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr,
               "fathom: not enough memory: fewer --latent, narrower --hidden, a smaller --batch "
               "or fewer --samples need less\n");
    return 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "fathom: internal error: {}\n", e.what());
    return 1;
  }
}
