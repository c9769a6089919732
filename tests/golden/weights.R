# Asks R's survey package for the weights of weights.csv beside this file, and writes its answers to weights.json.
# Run by `make golden`. For each method: the weights of the first 24 residents, sum and sum of squares of all, and where a
# design is calibrated the mean of `safe` with its standard error (rake: R takes residuals margin by margin, see methods).

suppressPackageStartupMessages(library(survey))
people <- read.csv("weights.csv")
people$sex <- factor(people$sex)
people$district <- factor(people$district)
d <- svydesign(~community, strata = ~district, weights = ~w, data = people)

sex <- data.frame(sex = factor(1:2), Freq = c(3000, 3300))
district <- data.frame(district = factor(1:3), Freq = c(2400, 2100, 1800))
cells <- data.frame(sex = factor(rep(1:2, 3)), district = factor(rep(1:3, each = 2)),
                    Freq = c(1200, 1200, 1000, 1100, 800, 1000))
form <- ~sex + district + adults
totals <- c(`(Intercept)` = 6300, sex2 = 3300, district2 = 2100, district3 = 1800, adults = 13500)
exact <- function(...) calibrate(d, form, totals, epsilon = 1e-13, maxit = 500, ...)
fine <- list(epsilon = 1e-11, maxit = 2000)

designs <- list(
  poststratify = postStratify(d, ~sex + district, cells),
  rake = rake(d, list(~sex, ~district), list(sex, district), control = fine),
  linear = exact(calfun = "linear"),
  raking = exact(calfun = "raking"),
  logit = exact(calfun = "logit", bounds = c(0.6, 2.2)),
  linear_bounded = exact(calfun = "linear", bounds = c(0.95, 1.55)),
  raking_bounded = exact(calfun = "raking", bounds = c(0.95, 1.55)),
  trimmed = trimWeights(d, upper = 45, lower = 8),
  trimmed_strict = trimWeights(d, upper = 45, lower = 8, strict = TRUE)
)
numbers <- function(x) paste(formatC(x, digits = 15), collapse = ", ")
line <- function(name) {
  w <- weights(designs[[name]])
  mean <- svymean(~safe, designs[[name]])
  sprintf('"%s": {"weights": [%s], "sums": [%s], "mean": [%s]}', name, numbers(unname(w[1:24])),
          numbers(c(sum(w), sum(w^2))), numbers(c(coef(mean), SE(mean))))
}
head <- sprintf('"r": "%s", "survey": "%s"', R.version.string, packageVersion("survey"))
writeLines(c("{", paste0(c(head, sapply(names(designs), line)), c(rep(",", length(designs)), "")), "}"), "weights.json")
