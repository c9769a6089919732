# Times R's survey on the columns that benchmarks/others.py wrote into a folder; prints one line of JSON.
suppressPackageStartupMessages(library(survey))
folder <- commandArgs(TRUE)[1]
plan <- strsplit(readLines(file.path(folder, "plan.txt")), " ")
part <- function(key) Filter(function(line) line[1] == key, plan)
items <- part("items")[[1]][-1]; by <- part("by")[[1]][-1]; terms <- part("model")[[1]][-1]
read <- function(name) {
  path <- file.path(folder, paste0(name, ".double"))
  if (file.exists(path)) return(readBin(path, "double", file.size(path) / 8, endian = "little"))
  path <- file.path(folder, paste0(name, ".int"))
  readBin(path, "integer", file.size(path) / 4, endian = "little")
}
frame <- as.data.frame(lapply(c(psu = "psu", stratum = "stratum", w = "w", y = "y"), read))
for (name in by) frame[[name]] <- factor(read(name))
for (name in items) { code <- read(name); code[code == 0] <- NA; frame[[name]] <- code; frame[[paste0(name, "f")]] <- factor(code) }
design <- svydesign(~psu, strata = ~stratum, weights = ~w, data = frame)
seconds <- function(work) { start <- proc.time()[["elapsed"]]; force(work); proc.time()[["elapsed"]] - start }
tables <- seconds(for (group in by) for (item in items) {
  g <- as.formula(paste0("~", group))
  svyby(as.formula(paste0("~", item)), g, design, svymean, na.rm = TRUE, vartype = "se")
  svyby(as.formula(paste0("~", item, "f")), g, design, svymean, na.rm = TRUE, vartype = c("se", "ci"), deff = TRUE)
})
logit <- seconds(svyglm(as.formula(paste("y ~", paste(terms, collapse = " + "))), design, family = quasibinomial()))
margins <- lapply(part("margin"), function(line) as.formula(paste0("~", line[2])))
known <- lapply(part("margin"), function(line)
  setNames(data.frame(levels(frame[[line[2]]]), as.numeric(line[-(1:2)])), c(line[2], "Freq")))
rake_seconds <- seconds(rake(design, margins, known, control = list(maxit = 50, epsilon = 1e-9)))
cat(sprintf('{"tables": %.4f, "logit": %.4f, "rake": %.4f, "version": "R %s.%s, survey %s"}\n', tables, logit, rake_seconds,
            R.version$major, R.version$minor, packageVersion("survey")))
