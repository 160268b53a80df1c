"""What SciPy has and functrace does not: why, and what to write instead.

The errors that users meet and the page `docs/coverage.md` both take their words from here. A module
that is not named here is served name by name.
"""

from __future__ import annotations

from ..dispatch import REASONS

_ADD = "make it an op with functrace.define_op, as docs/add_an_op.md tells"
_PLAIN = "call it with plain arrays, outside of the traced function"

# Modules that are not served at all: why
MODULES = {
    "cluster": "its methods iterate until they converge, on plain arrays",
    "constants": "plain numbers, for use anywhere",
    "datasets": "plain arrays, for use anywhere",
    "differentiate": "differences of values; functrace.grad, jacobian and hessian are exact",
    "fft": "use numpy.fft, which has all but the cosine and sine transforms",
    "fftpack": "use numpy.fft",
    "integrate": "compiled code that calls a function with plain numbers; np.trapezoid is there",
    "interpolate": "compiled code and objects; np.interp is there",
    "io": "it reads and writes files",
    "misc": "empty in current versions of SciPy",
    "ndimage": "compiled code; functrace.nn has convolution and pooling",
    "odr": "compiled code that calls a function with plain numbers",
    "optimize": "it calls your function with plain arrays: give it functrace.grad(f) as jac=",
    "sparse": "sparse arrays are a type of their own",
    "spatial": "objects and searches on plain arrays",
}

_ROWS: dict[str, list[tuple[str, str, str]]] = {  # names, why, what to do
    "special": [
        (
            "ai_zeros bei_zeros beip_zeros ber_zeros berp_zeros bi_zeros erf_zeros fresnel_zeros "
            "fresnelc_zeros fresnels_zeros jn_zeros jnjnp_zeros jnp_zeros jnyn_zeros kei_zeros "
            "keip_zeros kelvin_zeros ker_zeros kerp_zeros y0_zeros y1_zeros y1p_zeros yn_zeros "
            "ynp_zeros bernoulli euler stirling2 factorial2 factorialk mathieu_even_coef "
            "mathieu_odd_coef obl_cv_seq pro_cv_seq pbdn_seq pbdv_seq pbvv_seq lqmn lqn lmbda "
            "riccati_jn riccati_yn",
            "it makes a table of numbers in compiled code",
            _PLAIN,
        ),
        (
            "roots_legendre roots_chebyt roots_chebyu roots_chebyc roots_chebys roots_jacobi "
            "roots_laguerre roots_genlaguerre roots_hermite roots_hermitenorm roots_gegenbauer "
            "roots_sh_legendre roots_sh_chebyt roots_sh_chebyu roots_sh_jacobi p_roots t_roots "
            "u_roots c_roots s_roots j_roots l_roots la_roots h_roots he_roots cg_roots ps_roots "
            "ts_roots us_roots js_roots",
            "it makes a table of nodes and weights",
            _PLAIN + ", and use the nodes inside",
        ),
        (
            "legendre chebyt chebyu chebyc chebys jacobi laguerre genlaguerre hermite hermitenorm "
            "gegenbauer sh_legendre sh_chebyt sh_chebyu sh_jacobi",
            "it makes a polynomial as an object",
            "evaluate with eval_legendre and so on, or np.polyval of its coefficients",
        ),
        (
            "assoc_legendre_p assoc_legendre_p_all legendre_p legendre_p_all lpmv sph_harm_y_all "
            "sph_legendre_p sph_legendre_p_all",
            "it is a table, or a function of integers in compiled code, without a rule",
            "use eval_legendre, eval_genlaguerre or sph_harm_y",
        ),
        (
            "bdtrik bdtrin btdtria btdtrib chdtriv chndtr chndtridf chndtrinc chndtrix fdtridfd "
            "gdtria gdtrib gdtrix kolmogi kolmogorov nbdtrik nbdtrin ncfdtr ncfdtri ncfdtridfd "
            "ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc nctdtrit nrdtrimn nrdtrisd pdtrik "
            "smirnov smirnovi stdtridf tklmbda",
            "it is a rare distribution function, or an inverse by a parameter, without a rule",
            _ADD,
        ),
        (
            "mathieu_a mathieu_b mathieu_cem mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 "
            "mathieu_modsem2 mathieu_sem modfresnelm modfresnelp obl_ang1 obl_ang1_cv obl_cv "
            "obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv pbdv pbvv pbwa pro_ang1 pro_ang1_cv pro_cv "
            "pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv wright_bessel log_wright_bessel besselpoly "
            "it2i0k0 it2j0y0 it2struve0 itairy itmodstruve0 itstruve0 ellip_harm ellip_harm_2 "
            "ellip_normal",
            "it is a function of mathematical physics without a rule",
            _ADD,
        ),
        (
            "agm",
            "it has no rule of its own",
            "π/4 * (a + b) / ellipk(((a - b) / (a + b))**2)",
        ),
        ("airye", "it has no rule of its own", "scale what airy gives"),
        ("elliprc elliprg elliprj", "it has no rule of its own", "use elliprf, elliprd, ellipe"),
        ("kelvin", "it has no rule of its own", "use ber, bei, ker, kei and their derivatives"),
        ("diric", "it is a Python function that converts", "sin(n * x / 2) / (n * sin(x / 2))"),
        (
            "btdtr btdtri clpmn lpmn lpn sph_harm",
            "current versions of SciPy have it no more",
            "use betainc, betaincinv, sph_harm_y and eval_legendre",
        ),
        ("radian", "it has no rule of its own", "use np.radians"),
    ],
    "linalg": [
        ("norm", "NumPy's is supported", "use np.linalg.norm"),
        ("lstsq pinv", "NumPy's is supported", "use np.linalg.lstsq and np.linalg.pinv"),
        ("pinvh", "NumPy's is supported", "use np.linalg.pinv(a, hermitian=True)"),
        (
            "null_space orth subspace_angles",
            "how many vectors there are depends on values",
            "take them from np.linalg.svd",
        ),
        (
            "cho_solve_banded cholesky_banded eig_banded eigh_tridiagonal eigvals_banded "
            "eigvalsh_tridiagonal solve_circulant solve_toeplitz matmul_toeplitz",
            "there are no rules for the storage of bands and diagonals",
            "make the whole matrix (toeplitz, circulant, np.diag), and use solve or eigh",
        ),
        (
            "cossin hessenberg ldl ordqz qz rq rsf2csf cdf2rdf matrix_balance qr_delete "
            "qr_insert qr_multiply qr_update orthogonal_procrustes",
            "no rule is written for this factorization",
            "use qr, svd, eigh, eig, schur, cholesky, lu or polar",
        ),
        (
            "fractional_matrix_power funm signm expm_cond",
            "no rule is written for this function of a matrix",
            "use expm, logm, sqrtm, or eigh and a function of its eigenvalues",
        ),
        (
            "solve_continuous_are solve_continuous_lyapunov solve_discrete_are "
            "solve_discrete_lyapunov solve_lyapunov",
            "no rule is written for this equation",
            "use solve_sylvester, or np.linalg.solve of the equation's Kronecker form",
        ),
        ("clarkson_woodruff_transform", "it draws random numbers", _PLAIN),
        (
            "bandwidth ishermitian issymmetric",
            "it asks about values",
            "ask before the traced function is called",
        ),
        ("diagsvd", "it is a Python function that converts", "use np.diag, padded to the shape"),
        ("fiedler_companion", "it is a Python function that converts", "use companion"),
    ],
    "signal": [
        (
            "bessel besselap bilinear bilinear_zpk band_stop_obj buttap butter buttord cheb1ap "
            "cheb1ord cheb2ap cheb2ord cheby1 cheby2 ellip ellipap ellipord firls firwin firwin2 "
            "firwin_2d gammatone iircomb iirdesign iirfilter iirnotch iirpeak kaiser_atten "
            "kaiser_beta kaiserord lp2bp lp2bp_zpk lp2bs lp2bs_zpk lp2hp lp2hp_zpk lp2lp "
            "lp2lp_zpk minimum_phase normalize remez savgol_coeffs findfreqs",
            "it designs a filter from plain numbers",
            _PLAIN + ", and use the coefficients inside",
        ),
        (
            "abcd_normalize bode cont2discrete dbode dfreqresp dimpulse dlsim dlti dstep freqresp "
            "impulse lsim lti place_poles step StateSpace TransferFunction ZerosPolesGain sos2tf "
            "sos2zpk ss2tf ss2zpk tf2sos tf2ss tf2zpk zpk2sos zpk2ss zpk2tf invres invresz "
            "residue residuez unique_roots",
            "linear systems are objects, in plain arrays",
            "write the recurrence with functrace.scan",
        ),
        (
            "lfilter lfilter_zi lfiltic sosfilt sosfilt_zi sosfiltfilt filtfilt deconvolve "
            "symiirorder1 symiirorder2 decimate",
            "it is a recurrence in compiled code",
            "write the recurrence with functrace.scan; a finite filter is a convolve",
        ),
        (
            "freqs freqs_zpk freqz freqz_sos freqz_zpk sosfreqz group_delay",
            "it evaluates a filter in Python code that converts",
            "evaluate the polynomials with np.polyval at np.exp(1j * w)",
        ),
        (
            "coherence csd istft lombscargle periodogram spectrogram stft welch check_COLA "
            "check_NOLA closest_STFT_dual_window ShortTimeFFT vectorstrength",
            "it estimates spectra in Python code that converts",
            "use sliding_window_view, np.fft.rfft and np.mean",
        ),
        (
            "CZT ZoomFFT czt czt_points zoom_fft envelope hilbert hilbert2 resample",
            "it is Python code that converts",
            "compose it of np.fft.fft and np.fft.ifft",
        ),
        (
            "resample_poly upfirdn savgol_filter sepfir2d spline_filter cspline1d cspline1d_eval "
            "cspline2d qspline1d qspline1d_eval qspline2d gauss_spline wiener whittaker_henderson",
            "it filters in compiled code, or in Python code that converts",
            "use convolve, or functrace.nn.conv with strides",
        ),
        (
            "cascade cwt daub morlet morlet2 qmf ricker",
            "current versions of SciPy have it no more",
            "convolve with the wavelet",
        ),
        (
            "medfilt medfilt2d order_filter",
            "it sorts windows in compiled code",
            "use np.median of a sliding_window_view",
        ),
        (
            "argrelextrema argrelmax argrelmin find_peaks find_peaks_cwt peak_prominences "
            "peak_widths",
            "how many peaks there are depends on values",
            "find them in plain arrays, and read x at their places",
        ),
        (
            "chirp gausspulse sawtooth square sweep_poly",
            "it is Python code that converts",
            "write the wave with np.cos, np.exp and np.where",
        ),
    ],
    "stats": [
        (
            "alpha anglit arcsine argus betanbinom betaprime boltzmann bradford burr burr12 chi "
            "cosine crystalball dgamma dirichlet_multinomial dlaplace dpareto_lognorm dweibull "
            "erlang exponnorm exponpow exponweib f fatiguelife fisk foldcauchy foldnorm "
            "gausshyper genexpon genextreme gengamma genhalflogistic genhyperbolic geninvgauss "
            "genlogistic genpareto gibrat gompertz halfcauchy halfgennorm halflogistic hypergeom "
            "hypsecant invgamma invgauss invweibull invwishart irwinhall jf_skew_t johnsonsb "
            "johnsonsu kappa3 kappa4 ksone kstwo kstwobign landau laplace_asymmetric levy levy_l "
            "levy_stable loggamma loglaplace logser loguniform lomax matrix_normal matrix_t "
            "maxwell mielke moyal multivariate_hypergeom multivariate_t nakagami ncf "
            "nchypergeom_fisher nchypergeom_wallenius nct ncx2 nhypergeom normal_inverse_gamma "
            "norminvgauss pearson3 planck poisson_binom powerlaw powerlognorm powernorm randint "
            "rayleigh rdist recipinvgauss reciprocal rel_breitwigner rice semicircular skellam "
            "skewcauchy skewnorm studentized_range trapezoid triang truncexpon truncpareto "
            "truncweibull_min tukeylambda vonmises_fisher vonmises_line wald weibull_max wishart "
            "yulesimon zipf zipfian",
            "the methods of this distribution are not written",
            "write its density with numpy and scipy.special",
        ),
        (
            "ortho_group random_correlation random_table special_ortho_group uniform_direction "
            "unitary_group",
            "it draws random numbers",
            "use functrace.random, or draw outside of the traced function",
        ),
        (
            "Binomial CensoredData Covariance Logistic Mixture Normal Uniform abs exp log "
            "make_distribution order_statistic truncate rv_continuous rv_discrete rv_histogram "
            "fit gaussian_kde",
            "it makes distributions as objects",
            "use the distributions that are supported, or write densities as functions",
        ),
        (
            "BootstrapMethod MonteCarloMethod PermutationMethod bootstrap goodness_of_fit "
            "monte_carlo_test permutation_test sobol_indices",
            "it draws samples and calls a function of plain arrays",
            _PLAIN,
        ),
        (
            "alexandergovern anderson anderson_ksamp ansari barnard_exact bartlett binomtest "
            "boschloo_exact brunnermunzel bws_test chatterjeexi chi2_contingency chisquare "
            "combine_pvalues cramervonmises cramervonmises_2samp dunnett epps_singleton_2samp "
            "f_oneway false_discovery_control fisher_exact fligner friedmanchisquare jarque_bera "
            "kendalltau kruskal ks_1samp ks_2samp kstest kurtosistest levene logrank mannwhitneyu "
            "median_test mood multiscale_graphcorr normaltest page_trend_test pearsonr "
            "pointbiserialr poisson_means_test power power_divergence quantile_test ranksums "
            "shapiro skewtest somersd spearmanr spearmanrho ttest_1samp ttest_ind "
            "ttest_ind_from_stats ttest_rel tukey_hsd weightedtau wilcoxon",
            "it is a statistical test",
            _PLAIN,
        ),
        (
            "bayes_mvs binned_statistic binned_statistic_2d binned_statistic_dd circmean circstd "
            "circvar cumfreq describe differential_entropy directional_stats ecdf energy_distance "
            "entropy estimated_cdf expectile gmean gstd gzscore hmean iqr kstat kstatvar kurtosis "
            "linregress lmoment median_abs_deviation mode moment mvsdist obrientransform "
            "percentileofscore pmean quantile rankdata relfreq scoreatpercentile sem siegelslopes "
            "sigmaclip skew theilslopes tiecorrect tmax tmean tmin trim1 trim_mean trimboth tsem "
            "tstd tvar variation wasserstein_distance wasserstein_distance_nd zmap zscore",
            "it is Python code that converts to plain arrays",
            "compose it of NumPy's functions, such as np.mean, np.sort and np.quantile",
        ),
        (
            "boxcox boxcox_llf boxcox_normmax boxcox_normplot yeojohnson yeojohnson_llf "
            "yeojohnson_normmax yeojohnson_normplot ppcc_max ppcc_plot probplot",
            "it is Python code that converts to plain arrays",
            "transform with scipy.special.boxcox, and fit with functrace.grad",
        ),
    ],
}


REASONS |= {
    f"scipy.{module}.{name}": (why, remedy)
    for module, rows in _ROWS.items()
    for names, why, remedy in rows
    for name in names.split()
}
